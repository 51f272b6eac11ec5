C     J2 plasticity with linear kinematic hardening (Prager), radial
C     return in closed form:
C        f = |xi| - sqrt(2/3) sigma_y,   xi = dev(sigma) - alpha
C        d(alpha) = (2/3) H d(eps_p)
C     props: 1 Young's modulus, 2 Poisson's ratio, 3 yield stress,
C     4 hardening modulus H. State: 1 to 6 back stress (11, 22, 33, 12,
C     23, 31), 7 equivalent plastic strain.
      subroutine vumat(
C Read only -
     1  nblock, ndir, nshr, nstatev, nfieldv, nprops, lanneal,
     2  stepTime, totalTime, dt, cmname, coordMp, charLength,
     3  props, density, strainInc, relSpinInc,
     4  tempOld, stretchOld, defgradOld, fieldOld,
     5  stressOld, stateOld, enerInternOld, enerInelasOld,
     6  tempNew, stretchNew, defgradNew, fieldNew,
C Write only -
     7  stressNew, stateNew, enerInternNew, enerInelasNew )
C
      include 'vaba_param.inc'
C
      dimension props(nprops), density(nblock), coordMp(nblock,*),
     1  charLength(nblock), strainInc(nblock,ndir+nshr),
     2  relSpinInc(nblock,nshr), tempOld(nblock),
     3  stretchOld(nblock,ndir+nshr),
     4  defgradOld(nblock,ndir+nshr+nshr),
     5  fieldOld(nblock,nfieldv), stressOld(nblock,ndir+nshr),
     6  stateOld(nblock,nstatev), enerInternOld(nblock),
     7  enerInelasOld(nblock), tempNew(nblock),
     8  stretchNew(nblock,ndir+nshr),
     9  defgradNew(nblock,ndir+nshr+nshr),
     1  fieldNew(nblock,nfieldv),
     2  stressNew(nblock,ndir+nshr), stateNew(nblock,nstatev),
     3  enerInternNew(nblock), enerInelasNew(nblock)
      character*80 cmname
      parameter ( zero = 0.d0, one = 1.d0, two = 2.d0, three = 3.d0,
     1  third = one / three, half = .5d0 )
      dimension xi(6), fac(6)
C
      e = props(1)
      xnu = props(2)
      yield = props(3)
      hard = props(4)
      twomu = e / ( one + xnu )
      alamda = xnu * twomu / ( one - two * xnu )
      con1 = sqrt( two * third )
      do k = 1, 6
        fac(k) = one
        if ( k .gt. 3 ) fac(k) = two
      end do
C
C     The data check of Abaqus: elastic, and nothing is stored.
      if ( stepTime .eq. zero ) then
        do i = 1, nblock
          trace = strainInc(i,1) + strainInc(i,2) + strainInc(i,3)
          do k = 1, ndir + nshr
            stressNew(i,k) = stressOld(i,k) + twomu * strainInc(i,k)
            if ( k .le. 3 )
     1        stressNew(i,k) = stressNew(i,k) + alamda * trace
          end do
        end do
        return
      end if
C
      do 100 i = 1, nblock
        trace = strainInc(i,1) + strainInc(i,2) + strainInc(i,3)
        do k = 1, ndir + nshr
          stressNew(i,k) = stressOld(i,k) + twomu * strainInc(i,k)
          if ( k .le. 3 )
     1      stressNew(i,k) = stressNew(i,k) + alamda * trace
        end do
        smean = third *
     1    ( stressNew(i,1) + stressNew(i,2) + stressNew(i,3) )
        size = zero
        do k = 1, ndir + nshr
          xi(k) = stressNew(i,k) - stateOld(i,k)
          if ( k .le. 3 ) xi(k) = xi(k) - smean
          size = size + fac(k) * xi(k) * xi(k)
        end do
        size = sqrt( size )
        over = size - con1 * yield
        dgamma = zero
        if ( over .gt. zero )
     1    dgamma = over / ( twomu + two * third * hard )
        do k = 1, 6
          stateNew(i,k) = stateOld(i,k)
        end do
        work = zero
        if ( dgamma .gt. zero ) then
          do k = 1, ndir + nshr
            xnorm = xi(k) / size
            stressNew(i,k) = stressNew(i,k) - twomu * dgamma * xnorm
            stateNew(i,k) = stateOld(i,k)
     1        + two * third * hard * dgamma * xnorm
            work = work + fac(k) * half *
     1        ( stressOld(i,k) + stressNew(i,k) ) * dgamma * xnorm
          end do
        end if
        stateNew(i,7) = stateOld(i,7) + con1 * dgamma
C
        total = zero
        do k = 1, ndir + nshr
          total = total + fac(k) * half *
     1      ( stressOld(i,k) + stressNew(i,k) ) * strainInc(i,k)
        end do
        enerInternNew(i) = enerInternOld(i) + total / density(i)
        enerInelasNew(i) = enerInelasOld(i) + work / density(i)
  100 continue
      return
      end
